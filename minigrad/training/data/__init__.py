"""The data of runs: images by name or in folders, tables; prepared as their weights' file tells."""
