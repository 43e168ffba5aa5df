/* A file system without locks: whoever asks for one is answered with an error. */
#include <errno.h>
#include <sys/file.h>

int flock(int descriptor, int operation)
{
    (void)descriptor;
    if (operation & LOCK_UN)
        return 0;
    errno = ANSWER;
    return -1;
}
