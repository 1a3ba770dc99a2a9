"""What leaves a study: its mirror in MLflow."""
