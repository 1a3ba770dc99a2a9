"""Results for others: the mirror in MLflow, the archive of a study, and its verification."""
