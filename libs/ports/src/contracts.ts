// The contract suites: for tests of adapters only, never in an image.
export {};
