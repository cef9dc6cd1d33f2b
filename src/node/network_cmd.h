/* SPDX-License-Identifier: MIT */
/*
 * network_cmd.h: `minerd network assemble` and `minerd network new`.
 *
 * Floor 5. Main thread. As run.h: prints its own errors and returns the exit
 * status.
 *
 * assemble makes the network file of members' descriptors: the same bytes
 * wherever it is run, because nothing in it comes from the machine, the clock
 * or the order of the arguments. So the time of genesis must be given.
 */
#ifndef NODE_NETWORK_CMD_H
#define NODE_NETWORK_CMD_H

/* @argv[0] is "network". */
int node_network_cmd(int argc, char **argv);

#endif
