"""Parts of a tensor beside the engine: dtypes, device, memory formats, files, printing."""
