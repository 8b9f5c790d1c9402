/** Colours for `jsonc` and `yamlc` on a terminal: names, strings and the rest apart. */
import { styleText } from 'node:util';

const paint = (format: 'blue' | 'green' | 'cyan', text: string): string => styleText(format, text, { validateStream: false });

const JSON_TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export const colouredJson = (text: string): string =>
  text.replace(JSON_TOKEN, (token, string: string | undefined, colon: string | undefined) => {
    if (string === undefined) return paint('cyan', token);
    return colon === undefined ? paint('green', string) : paint('blue', string) + colon;
  });

export const colouredYaml = (text: string): string => text.replace(/^([\s-]*)([^\s:][^:\n]*)(?=:(?:\s|$))/gm, (_line, indent: string, name: string) => indent + paint('blue', name));
