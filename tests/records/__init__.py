"""Records and what follows from them."""
