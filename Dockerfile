# The service alone; Neo4j runs beside it (docker-compose.yml).
FROM python:3.13-slim
RUN useradd --create-home --uid 10001 graphsvc
WORKDIR /app
COPY locks/python.txt locks/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r locks/python.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY graphsvc graphsvc
COPY cypher cypher
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
USER graphsvc
ENV GRAPHSVC_DATA_DIR=/data GRAPHSVC_CACHE_DIR=/tmp/graphsvc
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["graphsvc"]
CMD ["serve", "--host", "0.0.0.0", "--expose"]
