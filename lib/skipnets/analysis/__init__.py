"""What is computed on models and records."""
