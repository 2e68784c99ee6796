"""The `qevoc` command: arguments, files, exit codes and rendering."""
