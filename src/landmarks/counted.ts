/** A number with what it counts, for messages: 1 point, 2 points. @param what one of them */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
