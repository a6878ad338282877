"""The English-Spanish grammar behind the bundled corpus."""
