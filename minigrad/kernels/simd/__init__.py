"""Vector code emitted by hand, and the scalar functions that loops are made of."""
