"""What every listener has in common: how errors are told, how bodies are read, and the gate that events pass.

Law: knows no route, and nothing of the parts behind one.
"""
