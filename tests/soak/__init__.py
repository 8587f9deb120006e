"""The soak run: the real daemon, killed again and again wherever it may hurt, and an audit of all that is left."""
