"""What explains: the words of outcomes, reasons and tables, the pages of the documentation, and which explains what."""
