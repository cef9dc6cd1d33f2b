/* SPDX-License-Identifier: MIT */
#include "node/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"

#define LINE_MAX_SIZE (NODE_PASSPHRASE_MAX + 2) /* newline and NUL */

/* The first line of what was read. */
static int take_line(struct node_passphrase *out, char *line, const char *from,
		     struct base_error *err)
{
	size_t len = strcspn(line, "\r\n");

	line[len] = '\0';
	if (len == 0 || len > NODE_PASSPHRASE_MAX)
		return base_fail(err, -EINVAL,
				 "the passphrase from %.300s is empty or "
				 "longer than %d bytes",
				 from, NODE_PASSPHRASE_MAX);
	memcpy(out->text, line, len + 1);
	out->given = true;
	return 0;
}

int node_passphrase_file(struct node_passphrase *out,
			 const struct node_config *c, struct base_error *err)
{
	char line[LINE_MAX_SIZE + 1];
	size_t len;
	int rc;

	out->given = false;
	if (!*c->wallet_passphrase_file)
		return 0;
	rc = node_file_read(line, &len, sizeof(line), c->wallet_passphrase_file,
			    err);
	if (rc == 0)
		rc = take_line(out, line, c->wallet_passphrase_file, err);
	base_wipe(line, sizeof(line));
	return rc;
}

/* One line from the terminal @fd; what is typed is not shown. */
static int type(struct node_passphrase *out, int fd, const char *prompt,
		struct base_error *err)
{
	char line[LINE_MAX_SIZE + 1];
	struct termios shown;
	struct termios hidden;
	ssize_t n;
	int rc;

	if (tcgetattr(fd, &shown) < 0)
		return base_fail(err, -errno, "cannot ask on the terminal: %s",
				 strerror(errno));
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)!write(fd, prompt, strlen(prompt));
	(void)tcsetattr(fd, TCSAFLUSH, &hidden);
	n = read(fd, line, sizeof(line) - 1);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	(void)!write(fd, "\n", 1);
	line[n > 0 ? n : 0] = '\0';
	rc = take_line(out, line, "the terminal", err);
	base_wipe(line, sizeof(line));
	return rc;
}

int node_passphrase_ask(struct node_passphrase *out,
			const struct node_config *c, bool twice,
			struct base_error *err)
{
	struct node_passphrase again = {.given = false};
	int fd;
	int rc = node_passphrase_file(out, c, err);

	if (rc < 0 || out->given)
		return rc;
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return base_fail(err, -ENXIO,
				 "there is no terminal to ask for the "
				 "passphrase; use --wallet-passphrase-file");
	rc = type(out, fd, "Wallet passphrase: ", err);
	if (rc == 0 && twice)
		rc = type(&again, fd, "Again: ", err);
	if (rc == 0 && twice && strcmp(out->text, again.text) != 0)
		rc = base_fail(err, -EINVAL, "the two passphrases differ");
	base_wipe(&again, sizeof(again));
	(void)close(fd);
	return rc;
}
