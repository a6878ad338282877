"""Trained models as other programs want them."""
