"""Values of a run as results and goldens keep them on disk: as plain arrays, as strict JSON, in a safetensors file."""
