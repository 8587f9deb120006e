"""The page that a buyer pays on: rendered here, kept true by one small script, without a request to anybody else."""
