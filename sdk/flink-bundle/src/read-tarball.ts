import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '@tessera/base';
import { extract } from 'tar';
import { digestOfFile } from './digest-of-file.ts';
import { checksumUnknown, checksumWrong, tarballInvalid } from './errors.ts';
import { isNoSpace } from './space.ts';

export interface Tarball {
  readonly file: string;
  /** Hexadecimal; instead of what is in the file of that name with `.sha512` after it. */
  readonly sha512?: string;
}

/**
 * Unpacks `lib`, `opt` and `plugins` of a distribution as Flink publishes it into a folder, after its checksum was compared; gives the version that it is.
 * @throws FLINK_CHECKSUM_UNKNOWN, FLINK_CHECKSUM_WRONG, FLINK_TARBALL_INVALID
 */
export async function readTarball(tarball: Tarball, folder: string): Promise<string> {
  const { file } = tarball;
  if (!(await stat(file).catch(() => undefined))?.isFile()) {
    throw tarballInvalid(file, 'it does not exist, or is no file');
  }
  const wanted = await publishedChecksum(tarball);
  const found = await digestOfFile(file, 'sha512');
  if (found !== wanted) throw checksumWrong(file, { found, wanted });
  try {
    extract({
      // All at once, so that nothing is still being written when it fails.
      sync: true,
      file,
      cwd: folder,
      strip: 1,
      strict: true,
      preserveOwner: false,
      filter: (path, entry) =>
        /^(\.\/)?[^/]+\/(lib|opt|plugins)\//.test(path) && 'type' in entry && entry.type === 'File',
    });
  } catch (error) {
    if (isNoSpace(error)) throw error;
    throw tarballInvalid(file, messageOf(error));
  }
  return versionOf(file, folder);
}

/** A file that Flink publishes has the checksum and then the name of the tarball. */
async function publishedChecksum({ file, sha512 }: Tarball): Promise<string> {
  const said = sha512 ?? (await readFile(`${file}.sha512`, 'utf8').catch(() => ''));
  const [checksum = ''] = said.trim().split(/\s+/);
  if (/^[0-9a-f]{128}$/i.test(checksum)) return checksum.toLowerCase();
  throw checksumUnknown(file);
}

async function versionOf(file: string, folder: string): Promise<string> {
  const names = await readdir(join(folder, 'lib')).catch(() => []);
  const versions = names.flatMap((name) => /^flink-dist-(\d[\w.-]*)\.jar$/.exec(name)?.[1] ?? []);
  const [version] = versions;
  if (version !== undefined && versions.length === 1) return version;
  throw tarballInvalid(file, `${basename(file)} has ${versions.length} files lib/flink-dist-*.jar`);
}
