"""Read by the workers of a trial and by nobody else: their service has stages of stub from here on."""

from tests.faults.stub import take_over

take_over()
