/* SPDX-License-Identifier: MIT */
#include "node/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

static const char *file_of(const struct node_config *c,
			   enum node_passphrase_kind kind)
{
	return kind == NODE_KEY_PASSPHRASE ? c->key_passphrase_file
					   : c->wallet_passphrase_file;
}

int node_passphrase_file(struct node_passphrase *out,
			 const struct node_config *c,
			 enum node_passphrase_kind kind, struct base_error *err)
{
	const char *file = file_of(c, kind);
	char line[LINE_MAX_SIZE + 1];
	size_t len;
	int rc;

	out->given = false;
	if (!*file)
		return 0;
	rc = node_file_read(line, &len, sizeof(line), file, err);
	if (rc == 0)
		rc = take_line(out, line, file, err);
	base_wipe(line, sizeof(line));
	return rc;
}

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
	interrupted = number;
}

/* Waits for a line with @mask in force, so that no signal falls between a look
 * at @interrupted and the wait. */
static ssize_t read_line(int fd, char *line, size_t cap, const sigset_t *mask)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!interrupted)
		if (ppoll(&p, 1, NULL, mask) > 0)
			return read(fd, line, cap);
	return -1;
}

/* One line of the terminal @fd, whose echo is off; a signal is obeyed once the
 * echo is on again. */
static ssize_t read_hidden(int fd, const char *prompt, char *line, size_t cap,
			   const struct termios *shown)
{
	const struct sigaction note = {.sa_handler = note_signal};
	struct sigaction before[BASE_COUNT(interrupts)];
	struct termios hidden = *shown;
	sigset_t blocked, mask;
	ssize_t n;

	interrupted = 0;
	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < BASE_COUNT(interrupts); i++)
		(void)sigaddset(&blocked, interrupts[i]);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, &mask);
	for (size_t i = 0; i < BASE_COUNT(interrupts); i++)
		(void)sigaction(interrupts[i], &note, &before[i]);
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fd, TCSAFLUSH, &hidden);
	/* Not before: who has seen it types. */
	(void)!write(fd, prompt, strlen(prompt));
	n = read_line(fd, line, cap, &mask);
	(void)tcsetattr(fd, TCSAFLUSH, shown);
	(void)!write(fd, "\n", 1);
	for (size_t i = 0; i < BASE_COUNT(interrupts); i++)
		(void)sigaction(interrupts[i], &before[i], NULL);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (interrupted)
		(void)raise(interrupted);
	return n;
}

/* What is typed is not shown. */
static int type(struct node_passphrase *out, int fd, const char *prompt,
		struct base_error *err)
{
	char line[LINE_MAX_SIZE + 1];
	struct termios shown;
	ssize_t n;
	int rc;

	if (tcgetattr(fd, &shown) < 0)
		return base_fail(err, -errno, "cannot ask on the terminal: %s",
				 strerror(errno));
	n = read_hidden(fd, prompt, line, sizeof(line) - 1, &shown);
	line[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		rc = base_fail(err, -ECANCELED, "no passphrase was typed");
	else
		rc = take_line(out, line, "the terminal", err);
	base_wipe(line, sizeof(line));
	return rc;
}

int node_passphrase_ask(struct node_passphrase *out,
			const struct node_config *c,
			enum node_passphrase_kind kind, bool twice,
			struct base_error *err)
{
	const bool keys = kind == NODE_KEY_PASSPHRASE;
	struct node_passphrase again = {.given = false};
	int fd;
	int rc = node_passphrase_file(out, c, kind, err);

	if (rc < 0 || out->given)
		return rc;
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return base_fail(err, -ENXIO,
				 "there is no terminal to ask for the %s "
				 "passphrase; use --%s-passphrase-file",
				 keys ? "keys'" : "wallet's",
				 keys ? "key" : "wallet");
	rc = type(
		out, fd,
		keys ? "Passphrase of the keys: " : "Wallet passphrase: ", err);
	if (rc == 0 && twice)
		rc = type(&again, fd, "Again: ", err);
	if (rc == 0 && twice && strcmp(out->text, again.text) != 0)
		rc = base_fail(err, -EINVAL, "the two passphrases differ");
	base_wipe(&again, sizeof(again));
	(void)close(fd);
	return rc;
}

void node_passphrase_wrong(void)
{
	static const char text[] = "That is not the passphrase.\n";
	int fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, sizeof(text) - 1);
	(void)close(fd);
}
