/** Command-line flags from option schemas: names, types, ranges, defaults and sentences come from the schema alone. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../pyramid/options.ts';

interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Property;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
  /** Of a list: given once for each of its items, which may hold commas. */
  readonly repeated?: boolean;
}

/** `maxErrorFactor` -> `--max-error-factor`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Adds a flag for each key of the schema. */
export function addFlags(command: Command, schema: z.ZodObject): Command {
  for (const [key, property] of Object.entries(propertiesOf(schema))) command.addOption(flagFor(key, property));
  return command;
}

/** The values typed for the schema's keys, checked; fails with `usage` and the flag's name. */
export function readFlags<T extends z.ZodObject>(schema: T, typed: Readonly<Record<string, unknown>>): z.output<T> {
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(schema.shape)) if (typed[key] !== undefined) values[key] = typed[key];
  return parseOptions(schema, values, flagOf);
}

/** The same for a page: flag, default and sentence of each key. `commands` is added to the flag. */
export function flagTable(schema: z.ZodObject, commands: string, except: readonly string[] = []): string[][] {
  const entries = Object.entries(propertiesOf(schema)).filter(([key]) => !except.includes(key));
  return entries.map(([key, property]) => {
    const { type, description = '', default: fallback } = property;
    const range = rangeOf(property);
    const value = type === 'boolean' ? '' : ` ${placeholder(property)}`;
    return [
      `\`${isOnByDefault(property) ? negatedFlagOf(key) : flagOf(key)}${value}\`${commands}`,
      fallback === undefined || type === 'boolean' ? '' : String(fallback) || 'none',
      isOnByDefault(property) ? notText(description) : range ? `${description} (${range})` : description,
    ];
  });
}

function propertiesOf(schema: z.ZodObject): Readonly<Record<string, Property>> {
  return (z.toJSONSchema(schema, { io: 'input' }).properties ?? {}) as Record<string, Property>;
}

/** A switch that is on is typed to turn it off. */
function isOnByDefault({ type, default: fallback }: Property): boolean {
  return type === 'boolean' && fallback === true;
}

/** `Make overviews ...` -> `Do not make overviews ...`. */
function notText(description: string): string {
  return `Do not ${description.charAt(0).toLowerCase()}${description.slice(1)}`;
}

function negatedFlagOf(key: string): string {
  return flagOf(key).replace('--', '--no-');
}

function flagFor(key: string, property: Property): Option {
  const { type, description = '', repeated = false } = property;
  if (isOnByDefault(property)) return new Option(negatedFlagOf(key), notText(description));
  const range = rangeOf(property);
  const option = new Option(
    type === 'boolean' ? flagOf(key) : `${flagOf(key)} <${placeholder(property)}>`,
    range ? `${description} (${range})` : description,
  );
  if (property.default !== undefined && type !== 'boolean' && !repeated) {
    option.description += ` [${Array.isArray(property.default) ? property.default.join(',') : property.default}]`;
  }
  if (type === 'integer' || type === 'number') option.argParser((text) => readNumber(text, type));
  if (repeated) option.argParser((text, before: string[] = []) => [...before, text]);
  else if (type === 'array')
    option.argParser((text) => (text === 'none' ? [] : text.split(',').map((part) => part.trim())));
  return option;
}

function placeholder({ type, enum: choices, repeated }: Property): string {
  if (choices) return choices.join('|');
  if (type === 'integer' || type === 'number') return 'number';
  return type === 'array' && !repeated ? 'names' : 'text';
}

function rangeOf({ type, minimum, maximum }: Property): string {
  if (type !== 'integer' && type !== 'number') return '';
  return minimum === undefined || maximum === undefined ? '' : `${minimum} to ${maximum}`;
}

function readNumber(text: string, type: 'integer' | 'number'): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError(`expected ${type === 'integer' ? 'a whole number' : 'a number'}`);
  }
  return value;
}
