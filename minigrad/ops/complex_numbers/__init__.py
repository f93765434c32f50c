"""Complex tensors: their parts, and the forms that operations have for them."""
