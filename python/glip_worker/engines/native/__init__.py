"""The engine `native`: the package glipv2."""
