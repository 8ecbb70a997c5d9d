"""The gateway with a real kernel and real packets, in network namespaces."""
