"""The families of foreign checkpoints that run on the one stack."""
