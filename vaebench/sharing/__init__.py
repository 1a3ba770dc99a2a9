"""Results for others: the mirror in MLflow, archives and what checks them, citations, the site."""
