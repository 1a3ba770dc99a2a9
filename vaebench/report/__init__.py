"""What a study says and costs: one page, a paper's skeleton, published numbers beside ours."""
