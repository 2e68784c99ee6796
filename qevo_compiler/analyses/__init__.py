"""Facts about modules that passes and reports use; nothing here changes a module."""
