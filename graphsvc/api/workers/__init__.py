"""Long work of the API: threads for analyses and writes, processes for detection runs."""
