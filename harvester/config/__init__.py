"""Settings: where they come from (`variables`), what forms they have (`forms`), and which there are (`settings`)."""
