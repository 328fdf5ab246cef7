"""The spectrometer: DIBAS Banks of the VEGAS and GUPPI families, and a data-taking program of our own."""
