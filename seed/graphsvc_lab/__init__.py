"""The lab: synthetic datasets, figures against their truth, and the demo. A distribution apart from the service."""
