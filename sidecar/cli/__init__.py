"""The command line, a module for each kind of command. Law: this file imports nothing: a probe pays for nothing."""
