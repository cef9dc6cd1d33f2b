/* SPDX-License-Identifier: MIT */
#include "node/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "minerd.lock"
#define CONF_NAME "minerd.conf"

int node_datadir_path(char out[static NODE_PATH_MAX],
		      const struct node_datadir *d, const char *name,
		      struct base_error *err)
{
	int n = snprintf(out, NODE_PATH_MAX, "%s/%s", d->path, name);

	if (n < 0 || n >= NODE_PATH_MAX)
		return base_fail(err, -ENAMETOOLONG,
				 "the path of the datadir %.100s... is too "
				 "long; choose a shorter --datadir",
				 d->path);
	return 0;
}

/* A directory that is empty but for a configuration file may become ours. */
static int refuse_foreign(const char *path, struct base_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool ours = false;
	bool others = false;

	if (!dir)
		return base_fail(err, -errno,
				 "cannot read the datadir %.300s: %s; fix its "
				 "permissions or choose another --datadir",
				 path, strerror(errno));
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, LOCK_NAME) == 0)
			ours = true;
		else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			 strcmp(name, CONF_NAME) != 0)
			others = true;
	}
	(void)closedir(dir);
	if (others && !ours)
		return base_fail(err, -EEXIST,
				 "%.300s is not empty and not a minerd datadir "
				 "(no " LOCK_NAME
				 " in it); choose an empty or new directory "
				 "with --datadir",
				 path);
	return 0;
}

static int take_lock(struct node_datadir *d, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char pid[32] = "";
	int fd;
	int rc = node_datadir_path(path, d, LOCK_NAME, err);

	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return base_fail(err, -errno,
				 "cannot write to the datadir %.300s: %s; fix "
				 "its permissions or choose another --datadir",
				 d->path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		(void)close(fd);
		return base_fail(err, -EBUSY,
				 "another node (process %s) holds the datadir "
				 "%.300s; stop it, or choose another --datadir",
				 *pid ? pid : "unknown", d->path);
	}
	(void)snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* The number is for people; a full disk must not stop a start here,
	 * the store says it better. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, strlen(pid), 0);
	d->lock_fd = fd;
	return 0;
}

int node_datadir_open(struct node_datadir *out, const char *path,
		      struct base_error *err)
{
	struct node_datadir d = {.lock_fd = -1};
	int rc;

	if (strlen(path) >= sizeof(d.path))
		return base_fail(err, -ENAMETOOLONG,
				 "the path of the datadir is too long");
	(void)strcpy(d.path, path);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return base_fail(err, -errno,
				 "cannot create the datadir %.300s: %s; create "
				 "the directory above it, or choose another "
				 "--datadir",
				 path, strerror(errno));
	rc = refuse_foreign(path, err);
	if (rc == 0)
		rc = take_lock(&d, err);
	if (rc == 0)
		*out = d;
	return rc;
}

int node_datadir_look(struct node_datadir *out, const char *path,
		      struct base_error *err)
{
	struct node_datadir d = {.lock_fd = -1};
	char lock[NODE_PATH_MAX];
	int rc;

	if (strlen(path) >= sizeof(d.path))
		return base_fail(err, -ENAMETOOLONG,
				 "the path of the datadir is too long");
	(void)strcpy(d.path, path);
	rc = node_datadir_path(lock, &d, LOCK_NAME, err);
	if (rc < 0)
		return rc;
	if (access(lock, F_OK) < 0)
		return base_fail(err, -errno,
				 "%.300s is not a minerd datadir (%s: %s); "
				 "name one with --datadir",
				 path, LOCK_NAME, strerror(errno));
	*out = d;
	return 0;
}

void node_datadir_close(struct node_datadir *d)
{
	if (d->lock_fd >= 0)
		(void)close(d->lock_fd);
	d->lock_fd = -1;
}

int node_datadir_subdir(char out[static NODE_PATH_MAX],
			const struct node_datadir *d, const char *name,
			struct base_error *err)
{
	char path[NODE_PATH_MAX];
	int rc = node_datadir_path(path, d, name, err);

	if (rc < 0)
		return rc;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return base_fail(err, -errno, "cannot create %.300s: %s", path,
				 strerror(errno));
	(void)strcpy(out, path);
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_parent(const char *path)
{
	char dir[NODE_PATH_MAX];
	char *slash;
	int fd;
	int rc;

	(void)strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (slash == dir)
		slash++;
	if (slash)
		*slash = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return rc;
}

int node_file_write(const char *path, const void *data, size_t len,
		    unsigned mode, struct base_error *err)
{
	char temporary[NODE_PATH_MAX + 8];
	int fd;
	int rc;

	if (strlen(path) >= NODE_PATH_MAX)
		return base_fail(err, -ENAMETOOLONG, "path too long: %.200s",
				 path);
	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	rc = fd < 0 ? -errno : write_all(fd, data, len);
	if (fd >= 0)
		(void)close(fd);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc == 0)
		rc = sync_parent(path);
	if (rc == 0)
		return 0;
	if (fd >= 0)
		(void)unlink(temporary);
	return base_fail(err, rc, "cannot write %.300s: %s%s", path,
			 strerror(-rc),
			 rc == -ENOSPC ? "; free space and start again" : "");
}

static int refuse_shared(FILE *f, const char *path, struct base_error *err)
{
	struct stat st;

	if (fstat(fileno(f), &st) < 0)
		return base_fail(err, -errno, "cannot read %.300s: %s", path,
				 strerror(errno));
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	return base_fail(err, -EPERM,
			 "others may read or write the secret in %.300s (its "
			 "mode is %04o): chmod 600 %.300s, and take it for "
			 "known if others have been on this machine",
			 path, (unsigned)st.st_mode & 07777u, path);
}

static int read_file(char *out, size_t *len, size_t cap, const char *path,
		     bool secret, struct base_error *err)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int rc = 0;

	if (!f)
		return base_fail(err, -errno, "cannot read %.300s: %s", path,
				 strerror(errno));
	rc = secret ? refuse_shared(f, path, err) : 0;
	if (rc < 0) {
		(void)fclose(f);
		return rc;
	}
	/* No buffer of stdio's keeps a copy. */
	if (secret)
		(void)setvbuf(f, NULL, _IONBF, 0);
	n = fread(out, 1, cap, f);
	if (ferror(f))
		rc = base_fail(err, -EIO, "cannot read %.300s: %s", path,
			       strerror(EIO));
	else if (n == cap)
		rc = base_fail(err, -EFBIG,
			       "%.300s is larger than %zu bytes and not what "
			       "it should be",
			       path, cap - 1);
	(void)fclose(f);
	if (rc < 0)
		return rc;
	out[n] = '\0';
	*len = n;
	return 0;
}

int node_file_read(char *out, size_t *len, size_t cap, const char *path,
		   struct base_error *err)
{
	return read_file(out, len, cap, path, false, err);
}

int node_secret_read(char *out, size_t *len, size_t cap, const char *path,
		     struct base_error *err)
{
	return read_file(out, len, cap, path, true, err);
}
