"""Is a stored table what its inputs give?"""
