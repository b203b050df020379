"""Area R: the host itself, and what provisioning promised, asked of the kernel."""
