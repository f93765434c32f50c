"""How kernels are compiled, cached, threaded and given memory."""
