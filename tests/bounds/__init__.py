"""Does any op of the registry read or write outside its tensors? Each is tried with arguments that are out of range."""
