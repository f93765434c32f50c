"""The methods of Tensor, one family a file."""
