"""The stages of a job, one file each: intake, tune, render, finish, deliver, purge."""
