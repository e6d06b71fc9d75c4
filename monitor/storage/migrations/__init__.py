"""Every schema that databases of the desk ever had, and the way from each to the next."""
