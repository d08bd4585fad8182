import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './consumer.ts';

/** npm without this run's own settings, and without any network. */
const npm = (folder: string, ...args: string[]): string =>
  execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
  });

/** What a clone of the project holds: every file that git does not ignore. */
const copySources = (target: string): void => {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(root, file), join(target, file), { force: true, recursive: true });
  }
};

/** The tarball of a clean clone. */
export type PackedClone = {
  /** Path of the tarball. */ tarball: string;
  /** Makes an empty project, and installs the tarball and then what is named (links to what is installed here). */
  install(packages?: readonly string[]): string;
  /** Removes all of it. */ remove(): void;
};

/** Packs a clean clone as `npm publish` would: nothing is there but what git knows, and what `npm ci` installs. */
export const packClone = (): PackedClone => {
  const folder = mkdtempSync(join(tmpdir(), 'dve-packed-'));
  const clone = join(folder, 'clone');
  mkdirSync(clone);
  copySources(clone);
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  npm(clone, 'pack', '--pack-destination', folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack wrote no tarball');
  let projects = 0;
  return {
    tarball: join(folder, tarball),
    install: (packages = []) => {
      const project = join(folder, `project-${projects++}`);
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
      npm(project, 'install', join(folder, tarball));
      for (const name of packages) {
        mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true });
        symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
      }
      return project;
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
