/* SPDX-License-Identifier: MIT */
/*
 * devnet.h: `minerd devnet`: a network of several nodes on this machine.
 *
 * Floor 5. Main thread; no other thread. Makes what network_new.h makes where
 * there is nothing, else resumes it, and runs each node as a process of this
 * program: its datadir DIR/nodeN, its output DIR/nodeN/log.txt. The children
 * end with this process, however that ends.
 */
#ifndef NODE_DEVNET_H
#define NODE_DEVNET_H

/* @argv[0] is "devnet". As run.h: prints its own errors and returns the exit
 * status: 0 after SIGINT or SIGTERM, 1 when a node ended by itself. */
int node_devnet(int argc, char **argv);

#endif
