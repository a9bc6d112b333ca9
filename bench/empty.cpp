// SPDX-License-Identifier: MIT
// The empty program that the inits launch.
int main() { return 0; }
