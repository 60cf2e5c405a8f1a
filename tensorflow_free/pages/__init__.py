"""Pages to look at: what a run, a sweep, a comparison or a golden says, as one HTML file that needs nothing else."""
