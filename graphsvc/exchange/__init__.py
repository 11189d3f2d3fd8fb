"""What leaves the service: tables."""
