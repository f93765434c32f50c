"""What tensors have beside the engine: dtypes, device, memory formats, files, printing."""
