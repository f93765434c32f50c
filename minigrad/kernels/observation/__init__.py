"""What kernels do while a program runs: their calls, times and bytes, and their machine code."""
