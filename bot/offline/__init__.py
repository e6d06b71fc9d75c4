"""What the command line answers from files, without a running desk."""
